/** A number that several may change: threads of this process, or only its owner. */
export interface Cell {
  get(): number;
  set(value: number): void;
  /** Puts `to` in the place of `from`, and says whether that was still there. */
  swap(from: number, to: number): boolean;
}

/** A cell of one thread. */
export function ownCell(value: number): Cell {
  let held = value;
  return {
    get: () => held,
    set(next) {
      held = next;
    },
    swap(from, to) {
      if (held !== from) return false;
      held = to;
      return true;
    },
  };
}

/** Cells that all threads have which are given their memory. */
export class SharedCells {
  readonly memory: SharedArrayBuffer;
  readonly #words: BigInt64Array;

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new BigInt64Array(memory);
  }

  /** New cells with these values. */
  static of(values: readonly number[]): SharedCells {
    const cells = new SharedCells(new SharedArrayBuffer(8 * values.length));
    for (const [at, value] of values.entries()) cells.at(at).set(value);
    return cells;
  }

  /** The cells that another thread made. */
  static in(memory: SharedArrayBuffer): SharedCells {
    return new SharedCells(memory);
  }

  /** The one at this place, from 0. */
  at(index: number): Cell {
    const words = this.#words;
    return {
      get: () => numberIn(Atomics.load(words, index)),
      set: (value) => void Atomics.store(words, index, wordOf(value)),
      swap(from, to) {
        const word = wordOf(from);
        return Atomics.compareExchange(words, index, word, wordOf(to)) === word;
      },
    };
  }
}

// Atomics know whole numbers only: a cell has the 64 bits that are a number's.
const bits = new DataView(new ArrayBuffer(8));

function wordOf(value: number): bigint {
  bits.setFloat64(0, value);
  return bits.getBigInt64(0);
}

function numberIn(word: bigint): number {
  bits.setBigInt64(0, word);
  return bits.getFloat64(0);
}
