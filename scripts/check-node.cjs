'use strict';
// Runs before anything else of the project does, on whatever Node is there: only syntax that old versions can
// parse, so that the answer is this message and not a syntax error.
var wanted = require('../package.json').engines.node.replace(/[^0-9.]/g, '');

function isOlder(version, than) {
  var have = version.split('.').map(Number);
  var need = than.split('.').map(Number);
  for (var i = 0; i < need.length; i++) {
    if ((have[i] || 0) !== need[i]) return (have[i] || 0) < need[i];
  }
  return false;
}

if (isOlder(process.versions.node, wanted)) {
  console.error(
    'Retriever Studio needs Node.js ' +
      wanted +
      ' or newer; this is ' +
      process.versions.node +
      '. Install a current version from https://nodejs.org and try again.',
  );
  process.exit(1);
}
