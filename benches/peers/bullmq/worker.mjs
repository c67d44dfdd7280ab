// worker.mjs URL QUEUE CONCURRENCY: a BullMQ worker whose handler takes as many milliseconds as the payload's `ms` says, and prints
// the payload of each job that has a `mark` when it begins. BULLMQ_HOME holds its `node_modules`.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.BULLMQ_HOME}/worker.js`);
const { Worker } = require('bullmq');

const [url, queue, concurrency] = process.argv.slice(2);
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const handle = async ({ data }) => {
  if (data.mark) console.log(`${data.mark} ${Date.now() * 1000}`);
  await new Promise((resolve) => setTimeout(resolve, data.ms));
};
new Worker(queue, handle, { connection, concurrency: Number(concurrency) });
