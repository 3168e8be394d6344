/**
 * Lines on their way out, those of one turn of the event loop in one write: a write is a call of the system, which costs more than
 * the line. The order is kept.
 */
export class GatheredLines {
  readonly #write: (text: string) => void;
  #waiting = '';
  #isDue = false;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Takes a line, with its end: out by the next turn at the latest. */
  add(line: string): void {
    this.#waiting += line;
    if (this.#waiting.length >= MOST_CHARACTERS) {
      this.flush();
    } else if (!this.#isDue) {
      this.#isDue = true;
      setImmediate(this.#due);
    }
  }

  /** Writes what waits, at once. */
  flush(): void {
    const due = this.#waiting;
    if (due === '') return;
    this.#waiting = '';
    this.#write(due);
  }

  readonly #due = () => {
    this.#isDue = false;
    this.flush();
  };
}

/** About as much as a pipe takes without waiting for who reads it. */
const MOST_CHARACTERS = 16_384;
