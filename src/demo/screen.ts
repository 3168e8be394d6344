import type { Paint } from './style.ts';
import { progressLine, type Snapshot, tableLines } from './table.ts';

/** Where the demo shows itself: standard output, or what a test puts in its place. */
export interface Output {
  write(text: string): unknown;
  /** Set on a terminal. */
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Shows how things go. */
export interface Screen {
  /** How often it likes to be told, in milliseconds. */
  readonly everyMs: number;
  update(snapshot: Snapshot): void;
  /** The last word on the table. */
  finish(snapshot: Snapshot): void;
  /** Leaves the terminal as it was, whatever happened. */
  close(): void;
}

/** A table redrawn in place on a terminal that is wide enough, else a line every second. */
export function screenFor(output: Output, paint: Paint): Screen {
  // Some pseudo-terminals have 0 columns, which means that nobody has told them.
  return output.isTTY === true && (output.columns || WIDTH) >= WIDTH
    ? new LiveScreen(output, paint)
    : new LineScreen(output, paint);
}

/** Shows nothing. */
export const noScreen: Screen = {
  everyMs: 60_000,
  update() {},
  finish() {},
  close() {},
};

const WIDTH = 80;

class LiveScreen implements Screen {
  readonly everyMs = 200;
  readonly #output: Output;
  readonly #paint: Paint;
  #drawn = 0;

  constructor(output: Output, paint: Paint) {
    this.#output = output;
    this.#paint = paint;
    output.write('\x1b[?25l'); // hide the cursor
  }

  update(snapshot: Snapshot): void {
    const lines = tableLines(snapshot, this.#paint);
    const up = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A`;
    // One write for all lines, each cleared to its end: no flicker.
    this.#output.write(`${up}${lines.map((line) => `\r${line}\x1b[K\n`).join('')}`);
    this.#drawn = lines.length;
  }

  finish(snapshot: Snapshot): void {
    this.update(snapshot);
  }

  close(): void {
    this.#output.write('\x1b[?25h'); // show the cursor
  }
}

class LineScreen implements Screen {
  readonly everyMs = 1000;
  readonly #output: Output;
  readonly #paint: Paint;

  constructor(output: Output, paint: Paint) {
    this.#output = output;
    this.#paint = paint;
  }

  update(snapshot: Snapshot): void {
    this.#output.write(`${progressLine(snapshot)}\n`);
  }

  finish(snapshot: Snapshot): void {
    this.#output.write(`\n${tableLines(snapshot, this.#paint).join('\n')}\n`);
  }

  close(): void {}
}
