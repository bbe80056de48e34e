import { describe, expect, test } from 'vitest';
import { mayDo, maySeeBrand, permissions, permissionsOf, roleNames } from './roles.ts';

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
  test('brand scope', () => {
    expect(maySeeBrand(['*'], 'aurora')).toBe(true);
    expect(maySeeBrand(['aurora'], 'aurora')).toBe(true);
    expect(maySeeBrand(['aurora'], 'borealis')).toBe(false);
    expect(maySeeBrand([], 'aurora')).toBe(false);
  });
});
