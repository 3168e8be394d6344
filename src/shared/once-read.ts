/**
 * Calls `take` with what is given to it, in that order, once all that has come over the network at this moment is read: in the
 * same turn of the event loop, and at once where nothing else has come. Of very much the first are taken before the last is
 * read. `take` must not throw.
 */
export function onceRead<T>(take: (item: T) => void): (item: T) => void {
  let waiting: T[] = [];
  const takeAll = () => {
    const due = waiting;
    waiting = [];
    for (const item of due) take(item);
  };
  return (item) => {
    // What waits is alive, and many requests at once are more than caches and young generations hold.
    if (waiting.length === MOST) takeAll();
    // Of what came together one asks for the turn.
    if (waiting.push(item) === 1) setImmediate(takeAll);
  };
}

const MOST = 64;
