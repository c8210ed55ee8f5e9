import ts from 'typescript';
import { scriptOf } from './sources.ts';

/** What ECMAScript defines to the bit; the last bit of everything else is left to the engine. */
const exact = new Set(
  (
    'abs ceil clz32 floor fround imul max min round sign sqrt trunc ' +
    'E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2'
  ).split(' '),
);

/**
 * Finds arithmetic whose last bit engines disagree on.
 * @param sources - The text of each source file by its path.
 * @returns One line for each place: its file, its line and what it calls.
 */
export function findInexactMath(sources: ReadonlyMap<string, string>): string[] {
  return [...sources].flatMap(([file, text]) => placesIn(file, scriptOf(file, text)));
}

function placesIn(file: string, script: string): string[] {
  const places: string[] = [];
  const source = ts.createSourceFile(file, script, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    const call = inexactCall(node);
    if (call !== undefined) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      places.push(`${file}:${line + 1} ${call}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return places;
}

function inexactCall(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node) && node.text === 'Math') return inexactMember(node);
  if (!ts.isBinaryExpression(node)) return undefined;
  const operator = node.operatorToken.kind;
  if (operator === ts.SyntaxKind.AsteriskAsteriskEqualsToken) return '**=';
  if (operator !== ts.SyntaxKind.AsteriskAsteriskToken) return undefined;
  // Powers of two are exact, and those of constants are the same number in every engine that parses them.
  return node.left.getText() === '2' && isWhole(node.right) ? undefined : node.getText();
}

/** `Math` itself, unless an exact member is taken from it. */
function inexactMember(math: ts.Identifier): string | undefined {
  const { parent } = math;
  // A name of something else: a property, a parameter, a type.
  if (ts.isPropertyAccessExpression(parent) && parent.name === math) return undefined;
  if (!ts.isPropertyAccessExpression(parent)) return parent.getText();
  return exact.has(parent.name.text) ? undefined : parent.getText();
}

/** Whether an exponent is whole as far as its text says: no fraction, no quotient but a rounded one. */
function isWhole(exponent: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(exponent)) return isWhole(exponent.expression);
  if (ts.isPrefixUnaryExpression(exponent)) return isWhole(exponent.operand);
  if (ts.isNumericLiteral(exponent)) return Number.isInteger(Number(exponent.text));
  if (ts.isCallExpression(exponent)) {
    const called = exponent.expression.getText();
    return /^Math\.(ceil|floor|round|trunc|clz32)$/.test(called)
      ? true
      : /^Math\.(max|min)$/.test(called) && exponent.arguments.every(isWhole);
  }
  if (ts.isBinaryExpression(exponent)) {
    const { kind } = exponent.operatorToken;
    const keepsWhole = [
      ts.SyntaxKind.PlusToken,
      ts.SyntaxKind.MinusToken,
      ts.SyntaxKind.AsteriskToken,
    ].includes(kind);
    return keepsWhole && isWhole(exponent.left) && isWhole(exponent.right);
  }
  return ts.isIdentifier(exponent) || ts.isPropertyAccessExpression(exponent);
}
