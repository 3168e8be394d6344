/**
 * What is wrong with the Node that runs this; undefined if it is one of those that the package's `engines.node`, which is `>=` and a
 * version, asks for. npm says it as a warning among others, and an older one would end with a stack trace.
 */
export function unfitNode(running: string, wanted: string): string | undefined {
  const least = wanted.replace(/^>=\s*/, '');
  const order = running.localeCompare(least, 'en', { numeric: true });
  return order < 0 ? `Reprise needs Node ${least} or later, and this is ${running}` : undefined;
}
