import { catalogue, type Product } from './catalogue.ts';
import { CLOSERS, FOLLOW_UPS, OPENERS, type Question, questions } from './questions.ts';
import { pickByPopularity, pickEvenly, seededRandom } from './random.ts';

/** What one customer asks in a row. */
export interface Conversation {
  readonly opening: string;
  /** The article the opening is about; absent where the customer seeks advice. */
  readonly article?: string;
  readonly followUps: readonly string[];
  /** Whether this customer's browser shows the answer as it is written. */
  readonly stream: boolean;
}

/** How the load is drawn; shares are from 0 to 1. */
export const LOAD = {
  /** Of Zipf's law, for articles and for questions: the n-th is asked for 1 / n^1.2 times as often as the first. */
  popularity: 1.2,
  /** Openings in the customer's own words instead of a click on an offered question. */
  typedShare: 1 / 16,
  /** Openings about an article that are followed by a second question. */
  followUpShare: 0.25,
  streamedShare: 0.6,
} as const;

/** Conversations with `size` questions in all, follow-ups included; the same ones for the same `seed`. */
export function drawLoad(size: number, seed: number): readonly Conversation[] {
  const random = seededRandom(seed);
  const shop = { products: catalogue(), questions: questions() };
  const conversations: Conversation[] = [];
  for (let left = size; left > 0; ) {
    const conversation = drawConversation(shop, left > 1, random);
    conversations.push(conversation);
    left -= 1 + conversation.followUps.length;
  }
  return conversations;
}

function drawConversation(
  shop: { readonly products: readonly Product[]; readonly questions: readonly Question[] },
  roomForMore: boolean,
  random: () => number,
): Conversation {
  const question = pickByPopularity(shop.questions, LOAD.popularity, random);
  const stream = random() < LOAD.streamedShare;
  const wording = random() < LOAD.typedShare ? typed(question, random) : question.offered;
  if (question.about === 'advice') return { opening: wording, followUps: [], stream };

  const fitting = shop.products.filter(
    ({ category }) => question.about === 'article' || category === question.about,
  );
  const { name } = pickByPopularity(fitting, LOAD.popularity, random);
  const goesOn = random() < LOAD.followUpShare && roomForMore;
  return {
    opening: wording.replaceAll('{name}', name),
    article: name,
    followUps: goesOn ? [pickByPopularity(FOLLOW_UPS, LOAD.popularity, random)] : [],
    stream,
  };
}

function typed(question: Question, random: () => number): string {
  return pickEvenly(OPENERS, random) + pickEvenly(question.typed, random) + pickEvenly(CLOSERS, random);
}
