import type { Node } from './json.ts';

/** A JSON value as JavaScript has it, but whole numbers that a double cannot hold as `bigint`: ids keep all their digits. */
export function plainValue(node: Node): unknown {
  switch (node.kind) {
    case 'string':
    case 'literal':
      return node.value;
    case 'array':
      return node.items.map(plainValue);
    case 'object':
      // fromEntries defines own properties, also of the name `__proto__`.
      return Object.fromEntries(node.members.map(({ key, value }) => [key, plainValue(value)]));
    case 'number': {
      const number = Number(node.raw);
      return /^-?\d+$/.test(node.raw) && !Number.isSafeInteger(number) ? BigInt(node.raw) : number;
    }
  }
}
