/**
 * Adyen's connector with cards of our own vault, in the scenarios of every connector: the charge goes through the vault's
 * process, everything after it as always.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, inject, it } from 'vitest';
import { createPspConnectors, type PspConnector } from '#activities/payments/connectors.ts';
import { adyenDestination, callerSecret, startVaultRig, type VaultRig } from '#test/support/vault-rig.ts';
import { pspContract } from './psp-contract.ts';
import { dialects, startRig, timeoutMs, type PspRig, type RunningRig } from './psp-rig.ts';

let running: RunningRig;
let rig: PspRig;
const vaults: VaultRig[] = [];
let tokens = 0;

async function startVault(pspUrl: string): Promise<VaultRig> {
  const { adminUrl, databasePrefix } = inject('testPostgres');
  const vault = await startVaultRig({
    adminUrl,
    database: `${databasePrefix}_vault_${randomBytes(3).toString('hex')}`,
    destinations: [adyenDestination(pspUrl)],
    shopOrigins: ['http://shop.example'],
    // So that each card comes from an address of its own, which may send thirty.
    environment: { VAULT_BEHIND_PROXY: 'true' },
  });
  vaults.push(vault);
  return vault;
}

function connectorAt(pspUrl: string, vaultUrl: string): PspConnector {
  const vault = { url: vaultUrl, callerSecret };
  const connector = createPspConnectors({ ...dialects.beta.config(pspUrl), vault }, timeoutMs).get('beta');
  if (connector === undefined) throw new Error('beta is configured');
  return connector;
}

async function tokenise(vault: VaultRig, number: string): Promise<string> {
  tokens += 1;
  const answer = await fetch(`${vault.url}/cards`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      origin: vault.url,
      'x-forwarded-for': `192.0.2.${tokens % 250}`,
    },
    body: JSON.stringify({
      number,
      expiryMonth: 12,
      expiryYear: 2031,
      cvc: number.startsWith('3') && number.length === 15 ? '1234' : '737',
    }),
  });
  const { token } = (await answer.json()) as { token?: string };
  if (token === undefined) throw new Error(`the vault took no card: ${answer.status}`);
  return token;
}

describe('connector beta with cards of the vault', () => {
  beforeAll(async () => {
    running = await startRig('beta');
    const vault = await startVault(running.rig.url);
    rig = {
      ...running.rig,
      connector: connectorAt(running.rig.url, vault.url),
      tokenise: (number) => tokenise(vault, number),
      /** A vault sends to the addresses of its configuration alone: another address is another vault, on the same cards. */
      connectTo(url) {
        let other: Promise<PspConnector> | undefined;
        const viaVault = () =>
          (other ??= vault
            .restart({ VAULT_DESTINATIONS: JSON.stringify([adyenDestination(url)]) })
            .then(() => connectorAt(url, vault.url)));
        return {
          ...running.rig.connectTo(url),
          authorise: async (order) => (await viaVault()).authorise(order),
          status: async (order) => (await viaVault()).status(order),
        };
      },
    };
  }, 180_000);
  afterAll(async () => {
    for (const vault of vaults) await vault.stop();
    await running.stop();
  });
  beforeEach(async () => {
    await running.rig.scenario({});
    const [vault] = vaults;
    const destinations = JSON.stringify([adyenDestination(running.rig.url)]);
    if (vault !== undefined && vault.environment['VAULT_DESTINATIONS'] !== destinations)
      await vault.restart({ VAULT_DESTINATIONS: destinations });
  });

  it.each(pspContract.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    scenario.run(rig),
  );
});
