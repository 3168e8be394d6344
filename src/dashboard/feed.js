/**
 * An event of the live feed.
 * @typedef {object} FeedEvent
 * @property {string} kind
 * @property {unknown} data
 */

/**
 * Reads the live feed until `signal` ends it, and anew when it ended by itself.
 * @param {object} context
 * @param {() => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>} context.open
 * @param {(event: FeedEvent) => void} context.onEvent
 * @param {(live: boolean) => void} context.onState  whether the feed is on
 * @param {AbortSignal} context.signal
 */
export async function follow({ open, onEvent, onState, signal }) {
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const stream = await open();
      onState(true);
      wait = FIRST_WAIT_MS;
      for await (const event of eventsIn(stream)) onEvent(event);
    } catch (thrown) {
      // A feed that breaks, or is refused, is a feed that is not on: the figures are then asked for, and say what is wrong.
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
 * The events of a stream of server-sent events (HTML §9.2.6). EventSource does this too, but can send no token.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} stream
 * @returns {AsyncGenerator<FeedEvent>}
 */
async function* eventsIn(stream) {
  // Not every browser can be asked for a stream's chunks by `for await`.
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const blocks = (rest + chunk.value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== undefined) yield event;
    }
  }
}

/**
 * @param {string} block
 * @returns {FeedEvent | undefined}
 */
function eventOf(block) {
  const lines = block.split('\n');
  const said = (/** @type {string} */ field) =>
    lines
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).trimStart());
  const data = said('data');
  if (data.length === 0) return undefined;
  try {
    return { kind: said('event').at(-1) ?? '', data: JSON.parse(data.join('\n')) };
  } catch (thrown) {
    // Of a later version, perhaps; the next one may be readable.
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
