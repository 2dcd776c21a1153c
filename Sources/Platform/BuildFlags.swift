/// How a release is built on this system; `bin/launcher` uses the same, so that nothing is built twice.
package enum BuildFlags {}
