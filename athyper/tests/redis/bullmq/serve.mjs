// Answers requests: each line of the input is one, `{"number": 1, "command": "add", "prefix": "bull", …}`; each line of the output
// answers one, `{"number": 1, "answer": …}` or `{"number": 1, "failure": "…"}`.
import { createInterface } from 'node:readline';

export function serve(commands) {
  createInterface({ input: process.stdin })
    .on('line', async (line) => {
      const { number, command, ...request } = JSON.parse(line);
      const say = (told) => process.stdout.write(`${JSON.stringify({ number, ...told })}\n`);
      try {
        say({ answer: (await commands[command](request)) ?? null });
      } catch (error) {
        say({ failure: `${error.message}\n${error.stack}` });
      }
    })
    .on('close', () => process.exit(0));
}
