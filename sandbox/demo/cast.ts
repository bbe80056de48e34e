/** Who takes part: the platform under its public addresses, and the outside parties under theirs. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { callJson, type Call, type Json } from './http.ts';

export type Operator = { readonly email: string; readonly password: string; readonly role: string };

export type Cast = {
  readonly home: string;
  /** For tools that the demo runs beside itself. */
  readonly environment: NodeJS.ProcessEnv;
  readonly api: string;
  /** The page of the platform's workflows; null where no UI is known. */
  readonly workflowsPage: string | null;
  readonly sandbox: Readonly<
    Record<'pspAlpha' | 'pspBeta' | 'gameStudio' | 'kycVendor' | 'mailbox' | 'oddsFeed', string>
  >;
  readonly operators: readonly Operator[];
  readonly pspKeys: { readonly alpha: string; readonly beta: string };
};

/** Reads the `run.json` of the platform that runs in `folder`. */
export async function findCast(folder: string, environment: NodeJS.ProcessEnv): Promise<Cast> {
  const home = resolve(folder);
  const text = await readFile(join(home, 'run.json'), 'utf8').catch(() => null);
  if (text === null) throw new Error('No platform is running here: start it with `npm start`.');
  const run = JSON.parse(text);
  if (!run.operators) throw new Error('The demo needs the development mode with its sandbox counterparties.');
  return {
    home,
    environment,
    api: run.api,
    workflowsPage:
      run.temporalUi === null ? null : `${run.temporalUi}/namespaces/${run.temporalNamespace}/workflows`,
    sandbox: run.sandbox,
    operators: run.operators,
    // Publishable keys: they may only turn cards into tokens, in the player's browser.
    pspKeys: { alpha: 'pk_test_demo', beta: 'test_demo' },
  };
}

/** A signed-in operator's way to the back office. */
export async function signInOperator(
  cast: Cast,
  role: string,
): Promise<(path: string, call?: Call) => Promise<Json>> {
  const operator = cast.operators.find((candidate) => candidate.role === role);
  if (!operator) throw new Error(`There is no operator with the role ${role}.`);
  const { token } = await callJson(`${cast.api}/admin/v1/sessions`, {
    body: { email: operator.email, password: operator.password },
  });
  return (path, call = {}) => callJson(`${cast.api}${path}`, { ...call, token });
}
