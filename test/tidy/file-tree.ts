/** The repository as a map from path to text, so that its checks are pure and a breach can be planted in a copy. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { moduleNames, type ModuleName } from '#domain/modules.ts';

/** Paths are relative to the project, with forward slashes. */
export type FileTree = ReadonlyMap<string, string>;

export type Breach = { readonly path: string; readonly says: string };

export type Check = {
  readonly name: string;
  readonly find: (tree: FileTree) => readonly Breach[];
};

const passedBy = new Set(['node_modules', '.git', '.pitboss', 'dist', 'coverage', 'test-results', '.cache']);
const textEndings = [
  '.ts',
  '.tsx',
  '.mjs',
  '.sql',
  '.json',
  '.jsonc',
  '.md',
  '.yml',
  '.yaml',
  '.sh',
  '.html',
  '.css',
];

export function readTree(root: string, folder = ''): Map<string, string> {
  const tree = new Map<string, string>();
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory() && !passedBy.has(entry.name)) {
      for (const [inner, text] of readTree(root, path)) tree.set(inner, text);
    }
    if (entry.isFile() && textEndings.some((ending) => entry.name.endsWith(ending)))
      tree.set(path, readFileSync(join(root, path), 'utf8'));
  }
  return tree;
}

export const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path) || path.startsWith('test/');
export const isGenerated = (path: string): boolean => /\.generated\.[a-z]+$/.test(path);
export const isSource = (path: string): boolean => /\.tsx?$/.test(path) && !isGenerated(path);
export const layerOf = (path: string): string => path.split('/')[0] ?? '';
export const fileName = (path: string): string => posix.basename(path);

export function isModuleName(name: string): name is ModuleName {
  return moduleNames.some((known) => known === name);
}

export function filesUnder(tree: FileTree, folder: string): readonly (readonly [string, string])[] {
  return [...tree].filter(([path]) => path.startsWith(`${folder}/`));
}

/** Specifiers of static and dynamic imports and of re-exports. */
export function importsOf(text: string): readonly string[] {
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)(['"])([^'"\n]+)\1/g);
  return [...found].map((match) => match[2] ?? '');
}

/** The path a specifier of this project leads to; undefined for packages. */
export function resolveImport(fromPath: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(fromPath), specifier));
  if (specifier.startsWith('#')) return specifier.slice(1);
  return undefined;
}
