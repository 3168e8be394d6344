import type { Figures } from '../figures.ts';
import type { HotKeys } from '../hot-keys.ts';
import type { NearMisses } from '../near-misses.ts';
import type { Refetches } from '../refetches.ts';
import type { Reuse } from '../reuse.ts';
import type { Sources } from '../sources.ts';
import type { TagUse } from '../tag-use.ts';

/** Something about how the cache is set up, what it rests on, and what to change. */
export interface Finding {
  /** Which kind of finding: stable, for who filters them. */
  readonly id: string;
  readonly severity: 'info' | 'warning' | 'critical';
  /** The type that it is about. */
  readonly type?: string;
  /** The figures it rests on, by names that say their unit. */
  readonly evidence: Readonly<Record<string, unknown>>;
  /** What to change, with the setting's name, in one or two sentences. */
  readonly recommendation: string;
}

/** What advice is drawn from. */
export interface Evidence {
  readonly figures: Figures;
  readonly reuse: Reuse;
  readonly hotKeys: HotKeys;
  readonly refetches: Refetches;
  readonly nearMisses: NearMisses;
  readonly tagUse: TagUse;
  readonly sources: Sources;
  /** Milliseconds since the figures began, but for totals that were kept. */
  readonly uptimeMs: number;
}

/** Draws findings of one kind; none where the figures do not bear them out. */
export type Adviser = (evidence: Evidence) => readonly Finding[];

/** A share as a whole percentage. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** A share with three digits, as evidence has it. */
export function rounded(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}

/** A number with its thousands set apart. */
export function counted(count: number): string {
  return Math.round(count).toLocaleString('en');
}
