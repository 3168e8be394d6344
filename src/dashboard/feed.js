import { textAt } from './json.js';

/**
 * The JSON of each event of a stream of server-sent events (HTML §9.2.6). EventSource does this too, but can send no token.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} stream
 * @returns {AsyncGenerator<unknown>}
 */
export async function* eventsIn(stream) {
  // Not every browser can be asked for a stream's chunks by `for await`.
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const blocks = (rest + chunk.value).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== undefined) yield event;
    }
  }
}

/**
 * Reads the live feed for as long as the page is there, and again after it ended.
 * @param {object} context
 * @param {(signal: AbortSignal) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>} context.open
 * @param {(event: unknown, kind: string) => void} context.onEvent
 * @param {(live: boolean) => void} context.onState  whether the feed is on
 * @param {AbortSignal} context.signal  ends it
 */
export async function follow({ open, onEvent, onState, signal }) {
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const stream = await open(signal);
      onState(true);
      wait = FIRST_WAIT_MS;
      for await (const event of eventsIn(stream)) onEvent(event, textAt(event, 'kind') ?? '');
    } catch (thrown) {
      if (!(thrown instanceof Error)) throw thrown;
    }
    if (signal.aborted) return;
    onState(false);
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * @param {string} block
 * @returns {unknown}
 */
function eventOf(block) {
  const lines = block.split('\n').filter((line) => line.startsWith('data:'));
  if (lines.length === 0) return undefined;
  try {
    return JSON.parse(lines.map((line) => line.slice(5).trimStart()).join('\n'));
  } catch (thrown) {
    // Of a newer server, perhaps; the next one may be readable.
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
