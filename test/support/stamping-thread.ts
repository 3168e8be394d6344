import { parentPort, workerData } from 'node:worker_threads';
import { SharedCells } from '../../src/shared/cell.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { Stamps } from '../../src/shared/stamps.ts';

// Takes stamps as fast as it can, and tells them.
const { memory, count }: { memory: SharedArrayBuffer; count: number } = workerData;
const stamps = new Stamps(systemClock, SharedCells.in(memory).at(0));
parentPort?.postMessage(Array.from({ length: count }, () => stamps.next()));
