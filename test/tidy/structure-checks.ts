/** Where files may stand and what they are called. */
import { moduleNames } from '#domain/modules.ts';
import {
  filesUnder,
  fileName,
  importsOf,
  isGenerated,
  isModuleName,
  isSource,
  isTest,
  layerOf,
  resolveImport,
} from './file-tree.ts';
import type { Breach, Check, FileTree } from './file-tree.ts';

const layersWithModules = ['domain', 'activities', 'api'];
/** Folders beside the modules that the architecture page names. */
const foldersBesideModules: Record<string, readonly string[]> = { domain: ['rules'] };
const leftoverNames = /^(utils?|helpers?|common|misc|index|shared|stuff|temp|tmp|old|new|copy|backup|lib)$/;
const leftoverSuffixes = /(-(utils?|helpers?|misc|old|new|copy|backup|v\d+)|_\d+|\.(bak|orig|rej))$/;
const linesLong = 300;

const moduleFolders: Check = {
  name: 'module folders are the fourteen modules',
  find: (tree) =>
    layersWithModules.flatMap((layer) =>
      filesUnder(tree, layer).flatMap(([path]) => {
        const [, folder, inner] = path.split('/');
        if (folder === undefined || inner === undefined || isModuleName(folder)) return [];
        if (foldersBesideModules[layer]?.includes(folder) === true) return [];
        return [{ path, says: `${layer}/${folder} is not one of the fourteen modules` }];
      }),
    ),
};

const leftoverFiles: Check = {
  name: 'files are named by concept',
  find: (tree) =>
    [...tree.keys()].flatMap((path) => {
      if (!/\.(tsx?|mjs|sql)$/.test(path) && !/\.(bak|orig|rej)$/.test(path)) return [];
      const stem = fileName(path).replace(/(\.[a-z]+)*\.(tsx?|mjs|sql)$/, '');
      // Vite wants its entry to be called main, and index.html is not ours to name.
      return leftoverNames.test(stem) || leftoverSuffixes.test(stem)
        ? [{ path, says: `"${stem}" says nothing: name the concept` }]
        : [];
    }),
};

const barrels: Check = {
  name: 'no barrels but the bundler entry',
  find: (tree) =>
    [...tree].flatMap(([path, text]) => {
      if (!isSource(path) || path === 'workflows/all.ts') return [];
      const code = withoutComments(text).trim();
      const statements = code.split(/;\s*/).filter((statement) => statement.trim() !== '');
      const onlyPassesOn =
        statements.length > 0 && statements.every((one) => /^export\s[^;]*\sfrom\s*['"]/.test(one.trim()));
      return onlyPassesOn
        ? [{ path, says: 'only passes on what other files export: import those files' }]
        : [];
    }),
};

const relativeImports: Check = {
  name: 'relative imports stay in their layer',
  find: (tree) =>
    importEdges(tree).flatMap(({ path, specifier, target }) =>
      specifier.startsWith('.') && path.includes('/') && layerOf(target) !== layerOf(path)
        ? [{ path, says: `${specifier} leaves the layer: import it as #${target}` }]
        : [],
    ),
};

/** What modules of activities may use of each other: the money door, the record of facts, and named entry points. */
const openToAllModules = [
  /^activities\/wallet\//,
  /^activities\/compliance\/(append-event|profiles|commands\/(keyed-acts|webhook-inbox))\.ts$/,
  /^activities\/responsible-gambling\/commands\/deposit-limit\.ts$/,
  /^activities\/bonus\/commands\/settle-free-win\.ts$/,
  /^activities\/payments\/(approver-standing|commands\/work-items)\.ts$/,
  // A score is of a payment: risk reads its facts and its live rules as payments does, and payments asks for the score.
  /^activities\/payments\/(payer-facts|routing-rules|unreadable-rules)\.ts$/,
  /^activities\/risk\/score-payment\.ts$/,
  /^activities\/kyc\/commands\/(levels|screenings)\.ts$/,
  /^activities\/[^/]+\.ts$/,
];

const moduleEdges: Check = {
  name: 'activities of one module leave those of another alone',
  find: (tree) =>
    importEdges(tree).flatMap(({ path, target }) => {
      const [layer, own, inner] = path.split('/');
      if (layer !== 'activities' || inner === undefined || isTest(path)) return [];
      if (!target.startsWith('activities/') || target.startsWith(`activities/${own}/`)) return [];
      if (openToAllModules.some((door) => door.test(target))) return [];
      return [{ path, says: `imports ${target}; modules meet in wallet/ and compliance/append-event.ts` }];
    }),
};

const headSentence: Check = {
  name: 'files begin by saying what they are',
  find: (tree) =>
    [...tree].flatMap(([path, text]) => {
      if (!isSource(path) || /\.test\.tsx?$/.test(path)) return [];
      const head = /^(?:#![^\n]*\n)?\s*\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
      const sentence = head.replaceAll(/\n\s*\*/g, ' ').trim();
      return sentence.split(/\s+/).length >= 3 && /[.!?]$/.test(sentence)
        ? []
        : [{ path, says: 'no sentence at the head: what is it, and why does it exist?' }];
    }),
};

const openTasks: Check = {
  name: 'no open task without an issue',
  find: (tree) =>
    [...tree].flatMap(([path, text]) =>
      isSource(path) || path.endsWith('.sql') || path.endsWith('.mjs')
        ? [...text.matchAll(/(?:\/\/|\*|--)[^\n]*\b(?:TODO|FIXME|HACK|XXX)\b([^\n]*)/g)]
            .filter((match) => !/#\d+/.test(match[0]) && !path.startsWith('test/tidy'))
            .map(() => ({ path, says: 'an open task without an issue number' }))
        : [],
    ),
};

const migrations: Check = {
  name: 'migrations are numbered without gaps',
  find: (tree) => {
    const names = filesUnder(tree, 'db/migrations')
      .map(([path]) => path)
      .toSorted();
    return names.flatMap((path, index) => {
      const wanted = String(index + 1).padStart(4, '0');
      return new RegExp(`^${wanted}-[a-z0-9-]+\\.sql$`).test(fileName(path))
        ? []
        : [{ path, says: `expected number ${wanted}` }];
    });
  },
};

const modulePages: Check = {
  name: 'every module has its page',
  find: (tree) => {
    const pages = filesUnder(tree, 'docs/modules').map(([path]) => fileName(path));
    return [
      ...moduleNames
        .filter((name) => !pages.includes(`${name}.md`))
        .map((name) => ({ path: `docs/modules/${name}.md`, says: 'is missing' })),
      ...pages
        .filter((page) => !isModuleName(page.replace(/\.md$/, '')))
        .map((page) => ({ path: `docs/modules/${page}`, says: 'is not the page of a module' })),
    ];
  },
};

/** A lockfile or a history carries what the machine of its maker was like, unless somebody looks. */
const machineTraces: Check = {
  name: 'no paths or hosts of one machine',
  find: (tree) =>
    [...tree].flatMap(([path, text]) => {
      if (path.startsWith('test/tidy')) return [];
      const home =
        /(?:^|[\s"'`(=:])(?:file:\/\/)?\/(?:root|work|home\/[a-z]|Users\/[A-Za-z])[a-zA-Z0-9._-]*\/[^\s"'`)]*/.exec(
          text,
        );
      const hosts =
        path === 'package-lock.json'
          ? [...text.matchAll(/"resolved": "(https?:\/\/[^/"]+)/g)].map((match) => match[1])
          : [];
      const foreign = hosts.find((host) => host !== 'https://registry.npmjs.org');
      return [home?.[0].trim(), foreign]
        .filter((found) => found !== undefined)
        .map((found) => ({ path, says: `names ${found}` }));
    }),
};

export const structureChecks: readonly Check[] = [
  moduleFolders,
  leftoverFiles,
  barrels,
  relativeImports,
  moduleEdges,
  headSentence,
  openTasks,
  migrations,
  modulePages,
  machineTraces,
];

/** Long files are shown and not refused: a clear reason beats the number. */
export function longFiles(tree: FileTree): readonly Breach[] {
  return [...tree].flatMap(([path, text]) => {
    const lines = text.split('\n').length - 1;
    return isSource(path) && !isGenerated(path) && lines > linesLong
      ? [{ path, says: `${lines} lines` }]
      : [];
  });
}

function importEdges(tree: FileTree): readonly { path: string; specifier: string; target: string }[] {
  return [...tree].flatMap(([path, text]) => {
    // What those files plant is text to them and an import to nobody.
    if (!isSource(path) || path.endsWith('-breaches.test.ts')) return [];
    return importsOf(withoutComments(text)).flatMap((specifier) => {
      const target = resolveImport(path, specifier);
      return target === undefined ? [] : [{ path, specifier, target }];
    });
  });
}

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
