import { hash } from '../../src/demo/random.ts';

/** What is said in answer to a chat: it tells what was asked, in a dozen words. */
export function contentOf(asked: Record<string, unknown>): string {
  const messages = asked.messages as readonly { content: string }[];
  return `you asked ${messages[0]?.content} and here is the answer to it, word for word`;
}

/** The vector of a text: 32 numbers that are float32 already. */
export function vectorOf(text: string): number[] {
  return Array.from({ length: 32 }, (_, at) => Math.fround(hash(`${at} ${text}`) / 2 ** 32));
}
