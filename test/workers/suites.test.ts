// Suites that say what is promised to everybody, once more where two threads answer: see `TestOptions.workers`.
process.env.REPRISE_TEST_WORKERS = '2';

await import('../acceptance/invalidation.test.ts');
await import('../http/revalidation.test.ts');
await import('../race/embeddings-fuzz.test.ts');
