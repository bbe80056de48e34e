import { describe, expect, test } from 'vitest';
import { assets } from '../assets.ts';
import { mayDecideAdjustment, mayDo, maySeeBrand, permissions, permissionsOf, roleNames } from './roles.ts';

describe('role matrix', () => {
  test('every permission is held by a desk, not by break-glass alone', () => {
    for (const permission of permissions) {
      const desks = roleNames.filter((role) => role !== 'admin' && mayDo([role], permission));
      expect(desks, permission).not.toEqual([]);
    }
  });
  test('unknown roles and no roles grant nothing', () => {
    expect(permissionsOf([])).toEqual([]);
    expect(permissionsOf(['owner', '__proto__', 'constructor'])).toEqual([]);
  });
  test('two different desks can approve a withdrawal; support, content and analysts cannot', () => {
    const approvers = roleNames.filter((role) => mayDo([role], 'payments:withdrawal:approve'));
    expect(approvers).toEqual(['payments', 'payments-lead', 'risk', 'admin']);
  });
  test('analysts see numbers and no person', () => {
    expect(permissionsOf(['analyst']).filter((permission) => /^(pam|kyc|crm):/.test(permission))).toEqual([]);
    expect(mayDo(['analyst'], 'bi:kpi:read')).toBe(true);
  });
  test('roles add up', () => {
    expect(mayDo(['analyst', 'support'], 'pam:player:lock')).toBe(true);
  });
  test('a correction is decided within the band of a role, to its last unit', () => {
    const euro = 10n ** 12n;
    expect(mayDecideAdjustment(['payments-lead'], 'EUR', 1_000n * euro)).toBe(true);
    expect(mayDecideAdjustment(['payments-lead'], 'EUR', 1_000n * euro + 1n)).toBe(false);
    expect(mayDecideAdjustment(['payments-lead', 'compliance'], 'EUR', 10_000n * euro)).toBe(true);
    expect(mayDecideAdjustment(['compliance'], 'JPY', 1_500_000n * euro)).toBe(true);
    expect(mayDecideAdjustment(['compliance'], 'JPY', 1_500_001n * euro)).toBe(false);
    expect(mayDecideAdjustment(['compliance'], 'ETH', 3n * 10n ** 18n)).toBe(true);
    expect(mayDecideAdjustment(['compliance'], 'ETH', 3n * 10n ** 18n + 1n)).toBe(false);
    expect(mayDecideAdjustment(['admin'], 'EUR', 10n ** 30n)).toBe(true);
  });
  test('who only asks for corrections decides on none, and an asset without a band is for the unlimited alone', () => {
    for (const role of ['support', 'payments', 'risk', 'content', 'analyst', '__proto__'])
      expect(mayDecideAdjustment([role], 'EUR', 1n), role).toBe(false);
    const unbanded = [...assets.keys()].filter((asset) => !mayDecideAdjustment(['compliance'], asset, 1n));
    expect(unbanded).toEqual(['DOGE', 'SOL', 'TRX', 'XRP', 'POL']);
    for (const asset of unbanded) expect(mayDecideAdjustment(['admin'], asset, 1n)).toBe(true);
  });
  test('brand scope', () => {
    expect(maySeeBrand(['*'], 'aurora')).toBe(true);
    expect(maySeeBrand(['aurora'], 'aurora')).toBe(true);
    expect(maySeeBrand(['aurora'], 'borealis')).toBe(false);
    expect(maySeeBrand([], 'aurora')).toBe(false);
  });
});
