// BullMQ as the tests need it. BULLMQ_HOME holds its `node_modules`, BULLMQ_NAME says which of the versions there.
// What is done to a job is said by its data:
//
//   fail: K               the first K attempts fail
//   stumble: K            it fails when it is begun, the first K times
//   unrecoverable: true   it fails for good
//   progress: […]         told one after another
//   log: […]              written one after another
//   snooze: MS            it is put off, the first time
//   giveBack: true        it goes back to those that wait, the first time
//   sleep: MS             takes so long
//   hang: 'ever'          never ends; with 'once' only the first time
import { createRequire } from 'node:module';
import { serve } from './serve.mjs';

const require = createRequire(`${process.env.BULLMQ_HOME}/session.js`);
const bullmq = require(process.env.BULLMQ_NAME ?? 'bullmq');
const { DelayedError, FlowProducer, Job, Queue, QueueEvents, UnrecoverableError, WaitingError, Worker } = bullmq;

const [url, name] = process.argv.slice(2);
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };

const queues = new Map();
function queueOf(prefix) {
  if (!queues.has(prefix)) queues.set(prefix, new Queue(name, { connection, prefix }));
  return queues.get(prefix);
}

// The stack of an error says where in this file it was thrown, which nobody wants to compare.
function plain(error) {
  error.stack = error.message;
  return error;
}

async function perform(job, token) {
  const wish = job.data ?? {};
  for (const row of wish.log ?? []) await job.log(row);
  for (const step of wish.progress ?? []) await job.updateProgress(step);
  if (job.attemptsStarted === 1 && wish.snooze) {
    await job.moveToDelayed(Date.now() + wish.snooze, token);
    throw new DelayedError();
  }
  if (job.attemptsStarted === 1 && wish.giveBack) {
    await job.moveToWait(token);
    throw new WaitingError();
  }
  if (wish.sleep) await new Promise((resolve) => setTimeout(resolve, wish.sleep));
  if (wish.hang === 'ever' || (wish.hang === 'once' && job.attemptsStarted === 1)) await new Promise(() => {});
  if (wish.unrecoverable) throw plain(new UnrecoverableError('no use'));
  if (job.attemptsMade < (wish.fail ?? 0) || job.attemptsStarted <= (wish.stumble ?? 0)) throw plain(new Error(`failure ${job.attemptsMade + 1}`));
  return { did: wish };
}

// Runs until so many attempts have ended; answers with their jobs.
async function work({ prefix, attempts, options }) {
  const seen = [];
  let worker;
  await new Promise((resolve) => {
    const end = (job) => seen.push(job?.id) === attempts && resolve();
    // Nobody is told of an attempt that is put off.
    const processor = (job, token) => perform(job, token).catch((error) => {
      if (error instanceof DelayedError || error instanceof WaitingError) setImmediate(end, job);
      throw error;
    });
    worker = new Worker(name, processor, { connection, prefix, name: 'worker', ...options });
    worker.on('completed', end).on('failed', end).on('error', () => {});
  });
  await worker.close();
  return seen;
}

// A job that is taken and not ended yet, by prefix.
const held = new Map();

async function take({ prefix, options }) {
  const worker = new Worker(name, null, { connection, prefix, name: 'worker', ...options });
  const job = await worker.getNextJob('token');
  held.set(prefix, { worker, job });
  return job.id;
}

// Ends that job as it says itself.
async function end({ prefix }) {
  const { worker, job } = held.get(prefix);
  const ended = await perform(job).then(
    (result) => job.moveToCompleted(result, 'token', false),
    (error) => job.moveToFailed(error, 'token', false),
  );
  await worker.close();
  return ended;
}

// What listeners were told first, so many events.
async function events({ prefix, count }) {
  const told = [];
  const listener = new QueueEvents(name, { connection, prefix, lastEventId: '0', autorun: false });
  await new Promise((resolve, reject) => {
    const emit = listener.emit.bind(listener);
    // Listening to each name would miss the names that nobody thought of. Each is told twice, once with its job in the name.
    listener.emit = (event, first, ...rest) => {
      if (event === 'error') reject(first);
      else if (/^[a-z-]+$/.test(event) && event !== 'ready' && told.push([event, typeof first === 'string' ? {} : first]) === count) resolve();
      return emit(event, first, ...rest);
    };
    listener.on('error', () => {});
    listener.run().catch(reject);
    if (count === 0) resolve();
  });
  await listener.close();
  return told;
}

const commands = {
  async add({ prefix, jobs, bulk }) {
    const queue = queueOf(prefix);
    const all = jobs.map(([kind, data, opts]) => ({ name: kind, data, opts }));
    if (bulk) return (await queue.addBulk(all)).map((job) => job.id);
    const ids = [];
    for (const { name: kind, data, opts } of all) ids.push((await queue.add(kind, data, opts)).id);
    return ids;
  },
  work,
  take,
  end,
  events,
  async flow({ prefix, tree }) {
    const producer = new FlowProducer({ connection, prefix });
    const placed = (node) => ({ queueName: name, ...node, children: node.children?.map(placed) });
    const { job } = await producer.add(placed(tree));
    await producer.close();
    return job.id;
  },
  // A flow as Node reads it.
  async tree({ prefix, id }) {
    const producer = new FlowProducer({ connection, prefix });
    const named = ({ job, children }) => ({ id: job.id, children: children?.map(named) });
    const found = named(await producer.getFlow({ id, queueName: name }));
    await producer.close();
    return found;
  },
  async wait({ prefix, id }) {
    const queue = queueOf(prefix);
    const listener = new QueueEvents(name, { connection, prefix, lastEventId: '0' });
    await listener.waitUntilReady();
    const job = await Job.fromId(queue, id);
    return job.waitUntilFinished(listener, 20000).then((value) => ({ value }), (error) => ({ error: error.message }));
  },
  // Calls a method of the queue.
  call: ({ prefix, method, args }) => queueOf(prefix)[method](...(args ?? [])),
  // Calls a method of a job.
  async job({ prefix, id, method, args }) {
    return (await Job.fromId(queueOf(prefix), id))[method](...(args ?? []));
  },
  version: async () => require(`${process.env.BULLMQ_NAME ?? 'bullmq'}/package.json`).version,
};

serve(commands);
