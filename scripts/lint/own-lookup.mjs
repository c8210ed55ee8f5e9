// @ts-check
/**
 * A lint rule: a record is read with `own` (src/core/own.ts) under any name that is not known before the program runs.
 * Where a user calls something `constructor`, a plain `record[name]` finds what every object inherits.
 */
import ts from 'typescript';

/** @param {ts.Type} type */
const parts = (type) => (type.isUnion() ? type.types : [type]);

/**
 * Any text, not one of a few that the program names.
 * @param {ts.Type} type
 */
const isAnyText = (type) => parts(type).some(({ flags }) => (flags & ts.TypeFlags.String) !== 0);

/** @type {import('eslint').Rule.RuleModule} */
export default {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      inherited:
        'record[name] finds inherited members, too. Use own(record, name) of src/core/own.ts, or a Map.',
    },
  },
  create(context) {
    const { program, getTypeAtLocation } = context.sourceCode.parserServices;
    const checker = program.getTypeChecker();
    return {
      MemberExpression(node) {
        if (!node.computed || !isAnyText(getTypeAtLocation(node.property))) return;
        const { parent } = node;
        if (parent.type === 'AssignmentExpression' && parent.left === node && parent.operator === '=') return;
        const record = checker.getNonNullableType(getTypeAtLocation(node.object));
        const isRecord = parts(record).some((part) => checker.getIndexInfoOfType(part, ts.IndexKind.String));
        if (isRecord) context.report({ node, messageId: 'inherited' });
      },
    };
  },
};
