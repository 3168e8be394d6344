import { embed, similarity } from './embedding.ts';

/** One turn of a conversation. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/**
 * What the stand-in model says: it picks from the articles in the system message (lines `- NAME (CATEGORY): FACTS`) the
 * one that is closest to the last question and tells its facts. The same messages always give the same answer.
 */
export function answerTo(messages: readonly Message[]): string {
  const question = messages.findLast((message) => message.role === 'user')?.content ?? '';
  const articles = messages
    .filter((message) => message.role === 'system')
    .flatMap((message) => [...message.content.matchAll(ARTICLE)])
    .map(([line, name = '', facts = '']) => ({ name, facts, closeness: closeness(line, question) }))
    .sort((one, other) => other.closeness - one.closeness);
  const [best, ...others] = articles;
  if (best === undefined) return `You asked: “${question}” I have found no article about that, sorry.`;
  const alternatives = others.map((article) => article.name).join(' and the ');
  return [
    `You asked: “${question}”`,
    `Have a look at the ${best.name}: ${best.facts}`,
    alternatives === '' ? '' : `If it is not quite what you need, compare it with the ${alternatives}.`,
    'Tell me where you are going and for how long, and I will gladly help you choose.',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** About how many tokens `text` is: four characters each, OpenAI's own rule of thumb. */
export function tokensIn(text: string): number {
  return Math.ceil(text.length / 4);
}

const ARTICLE = /^- (.+?) \(.+?\): (.+)$/gm;

function closeness(one: string, other: string): number {
  return similarity(embed(one, 512), embed(other, 512));
}
