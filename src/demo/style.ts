import { styleText } from 'node:util';

/** How a piece of text is meant; only a terminal shows it. */
export type Tone = 'bold' | 'dim' | 'green' | 'red' | 'cyan';

/** Gives `text` its tone, or leaves it as it is. */
export type Paint = (tone: Tone, text: string) => string;

/** For what is no terminal. */
export const plain: Paint = (_, text) => text;

/** For a terminal. */
export const coloured: Paint = (tone, text) => styleText(tone, text, { validateStream: false });

/** Colours for a terminal, unless the environment says no: https://no-color.org */
export function paintFor(isTerminal: boolean, noColor: string | undefined): Paint {
  return isTerminal && (noColor ?? '') === '' ? coloured : plain;
}
