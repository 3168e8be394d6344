import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuTimeOf } from '../support/load/cpu-time.ts';
import { startServer } from '../support/server/process.ts';
import { median } from './measure.ts';
import { startStandIn } from './subjects.ts';

/** Batches of 100 texts, one after the other, of which so many are held. */
export interface PartialBatches {
  readonly held: number;
  /** Milliseconds of a batch, the stand-in's time included. */
  readonly p50: number;
  readonly cpuMs: number;
}

/** Asks for `count` batches of each kind: all new, half new, one new. Throws where the upstream is asked for what is held. */
export async function measurePartialBatches(count: number): Promise<readonly PartialBatches[]> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-bench-'));
  let asked = 0;
  const standIn = await startStandIn((_path, body) => {
    const { input } = JSON.parse(body) as { input: readonly string[] };
    asked += input.length;
    return ['application/json', answerOf(input.length)];
  });
  const upstreams = { default: { base_url: `${standIn.url}/v1`, dialect: 'openai' } };
  const profile = { upstreams, log: { level: 'warn' }, memory: { max_entries: 100_000 } };
  const server = await startServer(profile, folder);
  try {
    let fresh = 0;
    const batchOf = (held: number) =>
      Array.from({ length: ITEMS }, (_, item) => (item < held ? `held ${item}` : `fresh ${++fresh}`));
    const ask = async (input: readonly string[]) => {
      const body = JSON.stringify({ model: 'text-embedding-3-small', input, encoding_format: 'base64' });
      const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-bench' };
      const response = await fetch(`${server.url}/v1/embeddings`, { method: 'POST', headers, body });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`a batch was answered with ${response.status}`);
    };
    const measured: PartialBatches[] = [];
    // Until V8 has compiled what is run often, a server is another one.
    for (let at = 0; at < count; at += 1) await ask(batchOf(ITEMS));
    for (const held of [0, 50, 99]) {
      const times: number[] = [];
      // So many that are asked for once push out what is not asked for meanwhile.
      await ask(batchOf(held));
      const [askedBefore, cpuBefore] = [asked, cpuTimeOf(server.pid)];
      for (let at = 0; at < count; at += 1) {
        const batch = batchOf(held);
        const began = performance.now();
        await ask(batch);
        times.push(performance.now() - began);
      }
      if (asked - askedBefore !== count * (ITEMS - held)) throw new Error('the upstream was asked for more');
      measured.push({ held, p50: median(times), cpuMs: (cpuTimeOf(server.pid) - cpuBefore) / count });
    }
    return measured;
  } finally {
    await server.stop();
    standIn.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const ITEMS = 100;
const VECTOR = Buffer.from(new Float32Array(1_536).map((_, at) => Math.sin(at) / 40).buffer).toString(
  'base64',
);

function answerOf(items: number): Buffer {
  const data = Array.from({ length: items }, (_, index) => ({
    object: 'embedding',
    index,
    embedding: VECTOR,
  }));
  const usage = { prompt_tokens: 5 * items, total_tokens: 5 * items };
  return Buffer.from(JSON.stringify({ object: 'list', data, model: 'text-embedding-3-small', usage }));
}
