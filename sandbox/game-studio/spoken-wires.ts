/** Which wallets the studio was given to call, and with what keys: one of each dialect, Hub88 always among them. */
import { optionalVariable, requiredVariable } from '../support/environment.ts';
import { createA8rV1Wire, createA8rV2Wire } from './a8r-wire.ts';
import { readPrivateKey, readPublicKey } from './hub88-signature.ts';
import { createCaletaWire, createHub88Wire } from './rs-wire.ts';
import type { DialectName, WalletWire } from './wallet-wire.ts';

/** A dialect is spoken when its wallet's address is there; then its secrets have to be, too. */
export function readSpokenWires() {
  const privateKey = readPrivateKey(requiredVariable('PRIVATE_KEY'));
  const wires: WalletWire[] = [
    createHub88Wire({ walletUrl: requiredVariable('OPERATOR_WALLET_URL'), privateKey }),
  ];
  const caletaUrl = optionalVariable('CALETA_WALLET_URL', '');
  if (caletaUrl !== '') wires.push(createCaletaWire({ walletUrl: caletaUrl, privateKey }));
  const a8rTokens: Partial<Record<'a8r-v2' | 'a8r-v1', string>> = {};
  const v2Url = optionalVariable('A8R_V2_WALLET_URL', '');
  if (v2Url !== '') {
    const token = (a8rTokens['a8r-v2'] = requiredVariable('A8R_V2_AUTH_TOKEN'));
    wires.push(createA8rV2Wire({ walletUrl: v2Url, token }));
  }
  const v1Url = optionalVariable('A8R_V1_WALLET_URL', '');
  if (v1Url !== '') {
    const token = (a8rTokens['a8r-v1'] = requiredVariable('A8R_V1_AUTH_TOKEN'));
    wires.push(createA8rV1Wire({ walletUrl: v1Url, token }));
  }
  return {
    wires: new Map<DialectName, WalletWire>(wires.map((wire) => [wire.name, wire])),
    operatorKey: readPublicKey(requiredVariable('OPERATOR_PUBLIC_KEY')),
    a8rTokens,
  };
}
