#pragma once
#include <libxml/xmlversion.h>
// Where libxml2 is built with ICU its headers pull in ICU's, which clash with Foundation's own ICU module. ICU shows only inside
// xmlCharEncodingHandler, which we never look into.
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlschemas.h>
#include <libxml/xmlwriter.h>
