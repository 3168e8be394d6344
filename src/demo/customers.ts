import type { Message } from './answer.ts';
import { answerInquiry, type Surroundings } from './assistant.ts';
import type { Conversation } from './load.ts';
import { newThread } from './thread.ts';

/**
 * Lets `customers` at a time have the conversations, each as soon as somebody is free, one question after the other.
 * Tells `onAnswered` of each question answered; the first failure ends it all.
 */
export async function converse(
  conversations: readonly Conversation[],
  customers: number,
  around: Surroundings,
  onAnswered: () => void,
): Promise<void> {
  const waiting = conversations.values();
  const customer = async (): Promise<void> => {
    for (const conversation of waiting) await holdConversation(conversation, around, onAnswered);
  };
  await Promise.all(Array.from({ length: customers }, customer));
}

async function holdConversation(
  { opening, article, followUps, stream }: Conversation,
  around: Surroundings,
  onAnswered: () => void,
): Promise<void> {
  const thread = newThread();
  let history: readonly Message[] = [];
  for (const question of [opening, ...followUps]) {
    around.signal.throwIfAborted();
    // Only a follow-up knows its article beforehand; the opening has it found by meaning.
    const known = history.length === 0 || article === undefined ? {} : { article };
    const answer = await answerInquiry({ question, history, thread, stream, ...known }, around);
    onAnswered();
    history = [...history, { role: 'user', content: question }, { role: 'assistant', content: answer }];
  }
}
