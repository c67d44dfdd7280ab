// throughput.mjs URL CELL JOBS: prints how many seconds BullMQ takes for a cell of `job_throughput`. BULLMQ_HOME holds its
// `node_modules`.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.BULLMQ_HOME}/throughput.js`);
const { Queue, Worker } = require('bullmq');

const [url, cell, count] = process.argv.slice(2);
const jobs = Number(count);
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue('work', { connection });
const data = () => ({ text: 'x'.repeat(1000) });
const opts = { removeOnComplete: true, attempts: 3 };

async function addBulk() {
  for (let at = 0; at < jobs; at += 1000) {
    await queue.addBulk(Array.from({ length: 1000 }, () => ({ name: 'work', data: data(), opts })));
  }
}

async function process_(concurrency) {
  let left = jobs;
  let end;
  const done = new Promise((resolve) => (end = resolve));
  const worker = new Worker('work', async () => null, { connection, concurrency });
  worker.on('completed', () => --left === 0 && end());
  await done;
}

await queue.waitUntilReady();
if (cell.startsWith('process')) await addBulk();
const begin = performance.now();
if (cell === 'enqueue-1') {
  for (let at = 0; at < jobs; at++) await queue.add('work', data(), opts);
} else if (cell === 'enqueue-64') {
  const produce = async () => {
    for (let at = 0; at < Math.floor(jobs / 64); at++) await queue.add('work', data(), opts);
  };
  await Promise.all(Array.from({ length: 64 }, produce));
} else if (cell === 'bulk') {
  await addBulk();
} else {
  await process_(Number(cell.split('-')[1]));
}
console.log((performance.now() - begin) / 1000);
process.exit(0);
