/**
 * Calls `take` with what is given to it, in that order, once all that has come over the network at this moment is read: in the
 * same turn of the event loop, and at once where nothing else has come. `take` must not throw.
 */
export function onceRead<T>(take: (item: T) => void): (item: T) => void {
  let waiting: T[] = [];
  const takeAll = () => {
    const due = waiting;
    waiting = [];
    for (const item of due) take(item);
  };
  return (item) => {
    // Of what came together one asks for the turn.
    if (waiting.push(item) === 1) setImmediate(takeAll);
  };
}
