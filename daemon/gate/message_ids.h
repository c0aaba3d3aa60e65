/* SPDX-License-Identifier: MIT */
/* MESSAGE_ID= of the gate's lines; what master/message_ids.h says holds for these, too. */
#ifndef PREFORKD_GATE_MESSAGE_IDS_H
#define PREFORKD_GATE_MESSAGE_IDS_H

/* A client was turned away; the reason is in the text. */
#define MESSAGE_ID_REFUSED "d2afab53c5a244fc9c9b6c88456ef12e"
/* A source is refused from now on, for a while. */
#define MESSAGE_ID_PENALIZED "6ba860bf4d51b4f08e65f3140c4ae537"

#endif
