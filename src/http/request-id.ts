import { randomBytes } from 'node:crypto';

/** A request id of ours, which no other process gives: `req_` and 24 hexadecimal digits. To draw each at random costs ten times as much. */
export function newRequestId(): string {
  const low = count % LOW.length;
  // Most differ from the one before in their last digits only.
  if (low === 0) prefix = `req_${OURS}${hex(count / LOW.length, 7)}`;
  count += 1;
  return prefix + LOW[low];
}

const OURS = randomBytes(7).toString('hex');
const LOW = Array.from({ length: 4_096 }, (_, at) => hex(at, 3));

let count = 0;
let prefix = '';

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
