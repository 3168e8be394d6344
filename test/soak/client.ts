import { type Agent, request as startRequest } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { pickEvenly } from '../../src/demo/random.ts';
import type { SoakRequest } from './load.ts';

/** How a request ended. `wrong` is what must never be: another answer than the one to this request, or a status nobody gave. */
export type Ending = 'right' | 'wrong' | 'failed' | 'cut' | 'left';

/** When a client leaves. */
const MOMENTS = [
  'at-once',
  'while-sending',
  'soon',
  'at-the-head',
  'at-the-first-bytes',
  'at-the-end',
] as const;
export type Moment = (typeof MOMENTS)[number];

/** A random moment to leave at, for the share `aborts` of all requests. */
export function randomMoment(random: () => number, aborts: number): Moment | undefined {
  return random() < aborts ? pickEvenly(MOMENTS, random) : undefined;
}

// What the upstream's faults become here.
const FAILURES: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** Sends `asked` and judges what comes, unless it leaves at `moment`. Never rejects. */
export function ask(
  url: string,
  agent: Agent,
  asked: SoakRequest,
  moment: Moment | undefined,
): Promise<Ending> {
  return new Promise((resolve) => {
    const { method, path, body } = asked;
    const request = startRequest(url + path, {
      agent,
      method,
      headers: {
        authorization: 'Bearer sk-soak',
        ...(body !== '' && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    });
    const leave = () => {
      request.destroy();
      resolve('left');
    };
    request.on('error', () => resolve(moment === undefined ? 'cut' : 'left'));
    request.on('response', (response) => {
      if (moment === 'at-the-head') return leave();
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (moment === 'at-the-first-bytes') leave();
      });
      response.on('error', () => resolve('cut'));
      response.on('end', () => {
        if (moment === 'at-the-end') leave();
        const status = response.statusCode ?? 0;
        if (status === 200) resolve(isRight(asked, Buffer.concat(chunks).toString()) ? 'right' : 'wrong');
        else resolve(FAILURES.has(status) ? 'failed' : 'wrong');
      });
    });
    if (moment === 'while-sending') {
      request.write(body.slice(0, body.length / 2));
      setImmediate(leave);
      return;
    }
    request.end(body);
    if (moment === 'at-once') leave();
    if (moment === 'soon') void wait(Math.random() * 10).then(leave);
  });
}

function isRight(asked: SoakRequest, answer: string): boolean {
  try {
    return asked.right(answer);
  } catch {
    // Not even of the form.
    return false;
  }
}
