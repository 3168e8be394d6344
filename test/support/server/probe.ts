// Runs inside the proxy's process, beside it: tells its parent what memory is in use when nothing is garbage.
process.on('message', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ heapUsed, external });
});
// The parent's line to it must not keep it alive.
process.channel?.unref();
