/**
 * Takes what is given to it through `steps`, in that order, once all that has come over the network at this moment is read: in the
 * same turn of the event loop, and at once where nothing else has come. Of very much the first are taken before the last is
 * read. All take one step before any takes the next, so that steps which call the system can be kept apart from those which do not:
 * each call costs the processor much of what it has learnt of our code, and what follows it takes up to twice as long (measured). No step
 * may throw.
 */
export function onceRead<T>(...steps: readonly ((item: T) => void)[]): (item: T) => void {
  let waiting: T[] = [];
  const takeAll = () => {
    const due = waiting;
    waiting = [];
    for (const step of steps) for (const item of due) step(item);
  };
  return (item) => {
    // What waits is alive, and many requests at once are more than caches and young generations hold.
    if (waiting.length === MOST) takeAll();
    // Of what came together one asks for the turn.
    if (waiting.push(item) === 1) setImmediate(takeAll);
  };
}

const MOST = 64;
