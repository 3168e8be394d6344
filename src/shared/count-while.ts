/** How many of the things at the beginning fulfil this, in logarithmic time: after one that does not, none does. */
export function countWhile<T>(things: readonly T[], isBefore: (thing: T) => boolean): number {
  let from = 0;
  let to = things.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBefore(things[middle] as T)) from = middle + 1;
    else to = middle;
  }
  return from;
}
