// Package docs holds the pages that the program shows, too.
package docs

import _ "embed"

// Glossary is the page of terms: a table of two columns.
//
//go:embed glossary.md
var Glossary string
