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
  let told: unknown;
  try {
    told = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (typeof told !== 'object' || told === null) return undefined;
  const { epoch, before, first, from, said } = { epoch: 0, before: '', first: '', from: 0, said: 0, ...told };
  const isOurs =
    typeof epoch === 'string' &&
    typeof before === 'number' &&
    typeof first === 'number' &&
    typeof from === 'string' &&
    areTexts(said);
  return isOurs ? { epoch, before, first, from, said } : undefined;
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === 'string');
}
