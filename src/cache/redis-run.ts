import type { Script } from './redis-scripts.ts';

/** Sends a command about a key. */
export type Send = (key: string, command: readonly (string | Buffer)[]) => Promise<unknown>;

/** Runs a script; one that Redis does not know yet is sent whole. */
export async function run(
  send: Send,
  script: Script,
  keys: readonly [string, ...string[]],
  args: readonly (string | Buffer)[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await send(keys[0], ['EVALSHA', script.sha, ...rest]);
  } catch (thrown) {
    if (!(thrown instanceof Error && thrown.message.startsWith('NOSCRIPT'))) throw thrown;
    return await send(keys[0], ['EVAL', script.text, ...rest]);
  }
}

/** The texts of a reply that is a list of texts; undefined if it is something else. */
export function textsOf(reply: unknown): readonly string[] | undefined {
  if (!Array.isArray(reply)) return undefined;
  const texts = reply.map(textOf);
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** The pairs of a reply that is a list of names, each with a number after it; undefined if it is something else. */
export function pairsOf(reply: unknown): readonly (readonly [string, number])[] | undefined {
  const texts = textsOf(reply);
  if (texts === undefined) return undefined;
  const pairs: (readonly [string, number])[] = [];
  for (let at = 0; at + 1 < texts.length; at += 2) pairs.push([texts[at] ?? '', Number(texts[at + 1]) || 0]);
  return pairs;
}

/** The text of a reply that is one; undefined if it is something else. */
export function textOf(reply: unknown): string | undefined {
  if (typeof reply === 'string') return reply;
  if (typeof reply === 'number') return String(reply);
  return Buffer.isBuffer(reply) ? reply.toString() : undefined;
}
