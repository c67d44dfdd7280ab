// Bull Board on a queue, in a browser. BULLMQ_HOME holds the `node_modules`, BROWSER is the browser.
//
//   board.mjs URL PREFIX QUEUE
import { createRequire } from 'node:module';
import { serve } from './serve.mjs';

const require = createRequire(`${process.env.BULLMQ_HOME}/board.js`);
const express = require('express');
const { Queue } = require('bullmq');
const { createBullBoard } = require('@bull-board/api');
const { BullMQAdapter } = require('@bull-board/api/bullMQAdapter');
const { ExpressAdapter } = require('@bull-board/express');
const { default: puppeteer } = await import(require.resolve('puppeteer-core').replace(/\/cjs\//, '/esm/'));

const [url, prefix, name] = process.argv.slice(2);
const { hostname: host, port } = new URL(url);
const queue = new Queue(name, { connection: { host, port: Number(port), maxRetriesPerRequest: null }, prefix });

const router = new ExpressAdapter();
createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter: router });
const server = express().use('/', router.getRouter()).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const board = `http://127.0.0.1:${server.address().port}/queue/${name}`;

// By a pipe, so that the browser ends with this process, however that ends.
const browser = await puppeteer.launch({ pipe: true, executablePath: process.env.BROWSER, headless: 'shell', args: ['--no-sandbox', '--disable-gpu', '--lang=en'] });
const page = await browser.newPage();
await page.setViewport({ width: 1440, height: 640 });
page.setDefaultTimeout(20000);

const TOOLTIP = '[data-base-ui-portal] [role=presentation]';

async function confirm() {
  await (await page.waitForSelector('[role=alertdialog] ::-p-text(Confirm)')).click();
  await page.waitForSelector('[role=alertdialog]', { hidden: true });
}

serve({
  // Shows the jobs of one state; answers with their ids once there are so many.
  async open({ state, count }) {
    await page.goto(`${board}?status=${state}`);
    const links = `main a[href^="/queue/${name}/"]`;
    await page.waitForFunction((links, count) => document.querySelectorAll(links).length === count, {}, links, count);
    return page.$$eval(links, (found) => found.map((link) => link.firstElementChild.textContent));
  },
  // Presses the button of a job that has this tooltip.
  async press({ id, label }) {
    const link = await page.waitForSelector(`main a[href^="/queue/${name}/${id}?"]`);
    const card = await link.evaluateHandle((link) => link.parentElement.parentElement);
    for (const button of await card.$$('ul button')) {
      await page.mouse.move(0, 0);
      await page.waitForSelector(TOOLTIP, { hidden: true });
      await button.hover();
      const tooltip = await page.waitForSelector(TOOLTIP);
      if ((await tooltip.evaluate((tooltip) => tooltip.textContent)) !== label) continue;
      await button.click();
      return confirm();
    }
    throw new Error(`job ${id} has no button ${label}`);
  },
  // Chooses an item of the queue's menu.
  async choose({ label }) {
    await page.click('main button[aria-haspopup=menu]');
    await (await page.waitForSelector(`[role=menuitem] ::-p-text(${label})`)).click();
    return confirm();
  },
  text: () => page.$eval('main', (main) => main.innerText),
  async photograph({ path }) {
    await page.screenshot({ path });
  },
});
