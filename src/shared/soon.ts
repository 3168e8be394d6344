/** A value that is there, or will be. */
export type Soon<T> = T | Promise<T>;

/**
 * What `use` makes of a value: at once if that is there. To await what is there costs objects and turns of the microtask queue, which
 * on the way of a hit add up to a good part of it (measured).
 */
export function whenThere<T, U>(value: Soon<T>, use: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** What `make` makes, or `otherwise` of what it threw or rejected with. */
export function orElse<T>(make: () => Soon<T>, otherwise: (thrown: unknown) => T): Soon<T> {
  try {
    const made = make();
    return made instanceof Promise ? made.catch(otherwise) : made;
  } catch (thrown) {
    return otherwise(thrown);
  }
}
