process.stdout.write(`
  Installing Sluice. Where no prebuilt better-sqlite3 can be downloaded, it is compiled
  now: that takes about 100 s on two cores, with a C++ compiler, make and Python 3.
  Then Sluice itself is built, which takes a few seconds.

`);
