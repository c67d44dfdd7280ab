// Drives BullMQ for `interop.rs`. BULLMQ_HOME holds its `node_modules`. Each command prints one JSON line an answer.
//
//   add URL PREFIX QUEUE JOBS         adds JOBS, a JSON list of [name, data, opts]
//   wait URL PREFIX QUEUE ID          waits until a job is finished, by the queue's events from their beginning
//   work URL PREFIX QUEUE COUNT OPTS  runs jobs until COUNT have completed or failed for good; `data.fail` says how often one fails
//   flow URL PREFIX QUEUE             adds a parent with two children
//   call URL PREFIX QUEUE METHOD ARGS calls a method of the queue, such as pause, or getJobCounts
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.BULLMQ_HOME}/driver.js`);
const { FlowProducer, Job, Queue, QueueEvents, Worker } = require('bullmq');

const [command, url, prefix, name, ...rest] = process.argv.slice(2);
const hosts = url.split('://')[1].split(',').map((host) => {
  const [name, port] = host.split(':');
  return { host: name, port: Number(port) };
});
const { Cluster } = createRequire(require.resolve('bullmq'))('ioredis');
const connection = url.startsWith('redis+cluster:')
  ? new Cluster(hosts, { redisOptions: { maxRetriesPerRequest: null } })
  : { ...hosts[0], maxRetriesPerRequest: null };
const options = { connection, prefix };
const say = (answer) => console.log(JSON.stringify(answer ?? null));

async function run() {
  const queue = new Queue(name, options);
  switch (command) {
    case 'add':
      for (const [kind, data, opts] of JSON.parse(rest[0])) say((await queue.add(kind, data, opts)).id);
      break;
    case 'wait': {
      const events = new QueueEvents(name, { ...options, lastEventId: '0' });
      await events.waitUntilReady();
      const job = await Job.fromId(queue, rest[0]);
      say(await job.waitUntilFinished(events, 20000).then((value) => ({ value }), (error) => ({ error: error.message })));
      break;
    }
    case 'work': {
      const seen = [];
      await new Promise((resolve) => {
        const end = (job) => seen.push(job.id) === Number(rest[0]) && resolve();
        const work = async (job) => {
          if (job.attemptsMade < (job.data.fail ?? 0)) throw new Error(`failure ${job.attemptsMade + 1}`);
          return { by: 'node', data: job.data };
        };
        const worker = new Worker(name, work, { ...options, ...JSON.parse(rest[1] ?? '{}') });
        worker.on('completed', end);
        worker.on('failed', (job) => job.finishedOn && end(job));
      });
      say(seen);
      break;
    }
    case 'flow': {
      const flow = new FlowProducer(options);
      const child = (i) => ({ name: 'child', data: { i }, queueName: name });
      const tree = await flow.add({ name: 'parent', queueName: name, data: {}, children: [child(1), child(2)] });
      say(tree.job.id);
      break;
    }
    case 'call':
      say(await queue[rest[0]](...JSON.parse(rest[1] ?? '[]')));
      break;
    default:
      throw new Error(`there is no command ${command}`);
  }
}

run().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
