/** What the platform's own words promise: workflows with contracts and histories, one writer of money, named facts. */
import { filesUnder, fileName, isModuleName, isSource, isTest } from './file-tree.ts';
import type { Check, FileTree } from './file-tree.ts';

const ledgerTables = '(?:journal|entry|player_?wallet|hold(?:_?capture)?|adjustment|exchange)';
const ledgerSql = new RegExp(
  `\\b(?:insert\\s+into|update(?:\\s+only)?|delete\\s+from|merge\\s+into|truncate(?:\\s+table)?|copy)\\s+"?wallet"?\\."?${ledgerTables}\\b`,
  'i',
);
const ledgerBuilder = new RegExp(
  `\\.(?:insertInto|updateTable|deleteFrom|mergeInto)\\(\\s*['"\`]wallet\\.${ledgerTables}\\b`,
  'i',
);
/** Reads the environment by right: start-up, tests, benchmarks, other people's processes, tool configuration. */
const environmentReaders = [
  /^(?:workers|vault)\/config\.ts$/,
  /^platform\//,
  /^bench\//,
  /^sandbox\/(?:[a-z-]+\/main|support\/(?:environment|party-process))\.ts$/,
  /^web\//,
  /\.config\.ts$/,
];
/** Ids the architecture page spells shorter than the file. */
const shorterIds: Record<string, string> = { 'bonus-award': 'bonus' };
const irregularPastVerbs = new Set(
  'won lost paid set sent begun withdrawn written taken given held spent known shown chosen made met found left put split built bought sold caught kept told read run drawn cut hit let shut broken stolen frozen'.split(
    ' ',
  ),
);

const workflowsRegistered: Check = {
  name: 'every workflow is exported to the bundler',
  find: (tree) => {
    const entry = tree.get('workflows/all.ts') ?? '';
    const registered = workflowFiles(tree).flatMap(({ name, path }) => {
      const line = new RegExp(`export \\{[^}]*\\b${camelCase(name)}\\b[^}]*\\} from '\\./${name}\\.ts'`);
      return line.test(entry)
        ? []
        : [{ path, says: `workflows/all.ts does not export ${camelCase(name)} from ./${name}.ts` }];
    });
    const exported = [...entry.matchAll(/export \{([^}]*)\} from '\.\/([^']+)\.ts'/g)].flatMap(
      ([, names = '', from = '']) =>
        names
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== '' && name !== camelCase(from))
          .map((name) => ({
            path: 'workflows/all.ts',
            says: `${name} comes from ${from}.ts; a workflow is named as its file`,
          })),
    );
    return [...registered, ...exported];
  },
};

const workflowsHaveContracts: Check = {
  name: 'every workflow has a contract, and every contract a workflow',
  find: (tree) => [
    ...workflowFiles(tree)
      .filter(({ name }) => !tree.has(`workflows/${name}.contract.ts`))
      .map(({ name, path }) => ({ path, says: `${name}.contract.ts is missing` })),
    ...contracts(tree)
      .filter(({ name }) => !workflowFiles(tree).some((workflow) => workflow.name === name))
      .map(({ name, path }) => ({ path, says: `${name}.ts exports no workflow called ${camelCase(name)}` })),
  ],
};

const workflowIds: Check = {
  name: 'workflow ids begin with the name of their contract',
  find: (tree) =>
    contracts(tree).flatMap(({ name, path, text }) => {
      const prefixes = [...text.matchAll(/`([a-z][a-z-]*):\$\{/g)].map((match) => match[1]);
      const wanted = shorterIds[name] ?? name;
      if (prefixes.length === 0) return [{ path, says: `makes no id of the form ${wanted}:…` }];
      return prefixes
        .filter((prefix) => prefix !== wanted)
        .map((prefix) => ({ path, says: `makes ids ${prefix}:…, not ${wanted}:…` }));
    }),
};

const workflowHistories: Check = {
  name: 'every workflow has a recorded history',
  find: (tree) => {
    const histories = filesUnder(tree, 'test/replay/histories').map(([path]) => fileName(path));
    const names = workflowFiles(tree).map(({ name }) => name);
    return [
      ...workflowFiles(tree)
        .filter(({ name }) => !histories.some((history) => history.startsWith(`${name}.`)))
        .map(({ name, path }) => ({
          path,
          says: `test/replay/histories/${name}.<scenario>.json is missing`,
        })),
      ...histories
        .filter(
          (history) =>
            !/^[a-z0-9-]+\.[a-z0-9-]+\.json$/.test(history) || !names.includes(history.split('.')[0] ?? ''),
        )
        .map((history) => ({
          path: `test/replay/histories/${history}`,
          says: 'is not <workflow>.<scenario>.json of a workflow',
        })),
    ];
  },
};

const ledgerWriters: Check = {
  name: 'only activities/wallet writes the ledger',
  find: (tree) =>
    [...tree].flatMap(([path, text]) => {
      if (!isSource(path) || isTest(path) || path.startsWith('activities/wallet/')) return [];
      return ledgerSql.test(text) || ledgerBuilder.test(text)
        ? [{ path, says: 'writes a ledger table past the one door' }]
        : [];
    }),
};

const environment: Check = {
  name: 'only workers/config.ts reads the environment',
  find: (tree) =>
    [...tree].flatMap(([path, text]) =>
      isSource(path) &&
      !isTest(path) &&
      /\bprocess\s*\.\s*env\b|\benv\s*\}\s*=\s*process\b/.test(text) &&
      !environmentReaders.some((reader) => reader.test(path))
        ? [{ path, says: 'reads the environment: take the value as an argument from workers/config.ts' }]
        : [],
    ),
};

const eventNames: Check = {
  name: 'events are <module>.<noun>.<past verb> of their own module',
  find: (tree) =>
    [...tree].flatMap(([path, text]) => {
      const module = /^domain\/([^/]+)\/events\.schema\.ts$/.exec(path)?.[1];
      if (module === undefined) return [];
      const composed = (tree.get('domain/events.schema.ts') ?? '').includes(`'./${module}/events.schema.ts'`);
      const names = [...text.matchAll(/^ {2}'([^']+)':/gm)].map((match) => match[1] ?? '');
      return [
        ...(composed ? [] : [{ path, says: 'is not part of the union in domain/events.schema.ts' }]),
        ...names
          .filter((name) => !isEventOf(module, name))
          .map((name) => ({ path, says: `"${name}" is not ${module}.<noun>.<past verb>` })),
      ];
    }),
};

/** The linter sees Date.now and Math.random; an argumentless Date looks like any other. */
const pureTime: Check = {
  name: 'the domain has no clock',
  find: (tree) =>
    filesUnder(tree, 'domain').flatMap(([path, text]) =>
      isSource(path) && !isTest(path) && /\bnew Date\(\s*\)|\bDate\(\s*\)/.test(text)
        ? [{ path, says: 'asks for the time: take it as an argument' }]
        : [],
    ),
};

/** A top-level `let`, or a collection that its type does not close; collections inside functions are indented. */
const sharedState =
  /^(?:export )?(?:let|var) |^(?:export )?const \w+(?:: (?!Readonly)[^=]+)? = (?:new (?:Map|Set|WeakMap|WeakSet)\b|\[\];|\{\};)/m;

const statelessModules: Check = {
  name: 'modules of workflows and rules keep nothing between two runs',
  find: (tree) =>
    [...filesUnder(tree, 'workflows'), ...filesUnder(tree, 'domain')]
      .filter(([path]) => isSource(path) && !isTest(path))
      .flatMap(([path, text]) => {
        const found = sharedState.exec(text);
        return found === null
          ? []
          : [
              {
                path,
                says: `\`${found[0].trim()}\` is shared by all runs: make it Readonly, or part of a run`,
              },
            ];
      }),
};

export const meaningChecks: readonly Check[] = [
  workflowsRegistered,
  workflowsHaveContracts,
  workflowIds,
  workflowHistories,
  ledgerWriters,
  environment,
  eventNames,
  pureTime,
  statelessModules,
];

function isEventOf(module: string, name: string): boolean {
  const [owner, noun, verb, ...more] = name.split('.');
  if (more.length > 0 || noun === undefined || verb === undefined || owner !== module || !isModuleName(owner))
    return false;
  if (!/^[a-z]+(-[a-z]+)*$/.test(noun) || !/^[a-z]+(-[a-z]+)*$/.test(verb)) return false;
  // "settled-by-hand" and "rolled-back" carry their verb first; "auto-approved" carries it last.
  const words = verb.split('-');
  return words.some((word) => word.endsWith('ed') || irregularPastVerbs.has(word));
}

type WorkflowFile = { readonly name: string; readonly path: string; readonly text: string };

/** A workflow's file exports the function it is named for; a generic one (`insist<T>(…)`) is a way to write workflows. */
function workflowFiles(tree: FileTree): readonly WorkflowFile[] {
  return inWorkflows(tree, /^workflows\/([a-z0-9-]+)\.ts$/).filter(({ name, text }) =>
    new RegExp(`export async function ${camelCase(name)}\\(`).test(text),
  );
}

const contracts = (tree: FileTree): readonly WorkflowFile[] =>
  inWorkflows(tree, /^workflows\/([a-z0-9-]+)\.contract\.ts$/);

function inWorkflows(tree: FileTree, form: RegExp): readonly WorkflowFile[] {
  return [...tree].flatMap(([path, text]) => {
    const name = form.exec(path)?.[1];
    return name === undefined ? [] : [{ name, path, text }];
  });
}

const camelCase = (kebab: string): string =>
  kebab.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
