// Package browser tests the pages in a real browser: Debian's chromium, which chromedp drives, against a server in a
// process of its own. `make browser` runs it.
//
// A Tab is one browser with cookies of its own. It finds controls as people do, by role and by visible name, and works
// them with the mouse or by keys alone; both fail where a person would: a button under something else cannot be
// clicked, one that Tab does not reach cannot be pressed. One story can so be told thrice: Mouse, Keys, and without
// script (NoScript).
//
// Whatever a page does wrong meanwhile, a Tab remembers (Complaints): errors in the console, refusals of the
// Content-Security-Policy, requests to another host. The list of pages is in pages_test.go; each is also read by
// axe-core, the Nu HTML checker and Lighthouse, and photographed into shots/, which git ignores.
//
// A test is skipped where the browser, Node or Java is missing, and fails there in CI.
//
// It is a module of its own, so that the program does not depend on chromedp.
package browser
