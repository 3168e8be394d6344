import { isRecord, valueFrom } from '../shared/plain.ts';
import { areTexts } from './condition.ts';

/** What is told on the channel: some announcements with rising numbers. */
export interface Heard {
  readonly epoch: string;
  /** The number of the last announcement before these: who does not have that one has missed some. */
  readonly before: number;
  readonly first: number;
  /** Which instance made them. */
  readonly from: string;
  readonly said: readonly string[];
}

/** Reads a message; undefined for one that is not ours. */
export function readHeard(message: string): Heard | undefined {
  const told = valueFrom(message);
  if (!isRecord(told)) return undefined;
  const { epoch, before, first, from, said } = told;
  const isOurs =
    typeof epoch === 'string' &&
    typeof before === 'number' &&
    typeof first === 'number' &&
    typeof from === 'string' &&
    areTexts(said) &&
    said.length > 0;
  return isOurs ? { epoch, before, first, from, said } : undefined;
}
