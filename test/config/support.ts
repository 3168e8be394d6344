import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Loaded, loadSettings, type Sources } from '../../src/config/load.ts';
import type { Flags } from '../../src/config/overrides.ts';
import { explainProblems } from '../../src/config/problems.ts';
import type { Settings } from '../../src/config/schema.ts';
import { tempFolder } from '../support/folder.ts';

/** A folder with these files, by their names. */
export function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = tempFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Command line flags: `profile`, `sets`, and the others by their names. */
export function flagsOf({ profile, sets = [], ...values }: GivenFlags): Flags {
  return { profile, sets, values: new Map(Object.entries(values)) };
}

interface GivenFlags {
  readonly profile?: string;
  readonly sets?: readonly string[];
  readonly upstream?: string;
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
}

/** Loads settings in the folder `cwd`. */
export function load(cwd: string, flags: GivenFlags = {}, env: Sources['env'] = {}): Loaded {
  return loadSettings({ flags: flagsOf(flags), env, cwd });
}

/** The settings, or a failure that shows why there are none. */
export function settingsOf(loaded: Loaded): Settings {
  if (loaded.kind === 'loaded') return loaded.settings;
  throw new Error(`refused:\n${explainProblems(loaded.problems).join('\n')}`);
}

/** The lines that a user sees; empty if the settings are right. */
export function linesOf(loaded: Loaded): string[] {
  return loaded.kind === 'refused' ? explainProblems(loaded.problems) : [];
}
