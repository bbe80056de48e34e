/** Files that are built out of our sources: what they were made of, and how one takes the place of another. */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../', import.meta.url));

export type Sources = {
  /** With all that is below them, without tests. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
};

/**
 * The state of sources, by paths from `root`. Of names, sizes and times: to read them all would cost
 * what building ahead saves. A source that was removed or renamed counts as well.
 */
export function digestOfSources({ folders, files }: Sources, root: string = checkout): string {
  const digest = createHash('sha256');
  for (const path of [...files, ...folders.flatMap((folder) => sourcesOf(root, folder))]) {
    const { mtimeMs, size } = statSync(join(root, path));
    digest.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return digest.digest('hex');
}

const sourcesOf = (root: string, folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .toSorted()
    .map((path) => join(folder, path));

/** Whoever reads meanwhile sees the old file or the new one, never half of one. */
export async function replaceFile(path: string | URL, content: string): Promise<void> {
  const target = path instanceof URL ? fileURLToPath(path) : path;
  const draft = `${target}.${process.pid}`;
  await writeFile(draft, content);
  await rename(draft, target);
}
