"""Short stories of several sentences, told at any kind of business."""

from __future__ import annotations

PHRASES = """
@ story
+ my usual {place} had turned us away. {name} listened, smiled and said: let's try. An hour
    later {client} was beaming | care
+ I was dreading it because {client} panics easily. They let {client} sit and look around first.
    No tears, no drama | care
+ {client} is hard to please and wriggles like an eel. {staff} took it slowly and never lost
    patience. I was amazed | care
+ we arrived nervous. Somebody brought water and a blanket for {client}. Soon everyone was
    laughing | staff
+ I called in a panic at closing time. {staff} told me to come right over. They stayed until it
    was done | staff
+ I forgot my bag there. {staff} ran after me in the rain to give it back | staff
+ something went wrong the first time. They apologized, did it again for free and added a
    voucher | quality
+ other people told me {object} was hopeless. {staff} shrugged, rolled up the sleeves and saved
    it | quality
+ I asked for something simple. I got something simple, done {well}. That is all I want | quality
+ my appointment was at nine. At nine sharp I was in the chair, at half past I was out | speed
+ they said it would take {days}. They called me two days later to say it was ready | speed
+ the quote was {price}. The bill was exactly {price}. How rare is that? | price
+ I expected to pay a fortune. In the end it was {price}, including a little extra they threw in
    | price
+ I had to cancel because {client} was ill. They wished us well and found a new date at once. No
    fee | booking
+ I booked online at midnight. In the morning I had my confirmation and a friendly message |
    booking
+ they walked me through everything before they started. They checked with me halfway. No
    surprises at the end | communication
+ I wrote them a worried email. Ten minutes later {name} called and cleared everything up |
    communication
+ I am fussy about dirt. I looked into every corner and found nothing. Even the handles were
    wiped after each customer | cleanliness
+ soft music, warm light, a cup of tea. {client} nearly dozed off. It is an oasis | atmosphere
+ {client} is allergic to almost everything. They asked, they wrote it down, they used a mild
    product. Not one red spot | safety
+ two years ago they had poor reviews. I went anyway and was {glad}. Since then I have told
    everyone to go | recommend
+ I had given up on finding a decent {place}. A friend sent me here. Now I would not go anywhere
    else | return
+ my mother is slow on her feet. They held the door, found her a chair and gave her all the time
    she needed | care
+ the old {role} retired and I was worried. The new one is just as {nice}. Relieved! | staff
+ our little one would not let anybody touch her hair, hands or face. {name} made a game of it
    and won her heart | care
- my usual {place} was closed, so we came here. {name} sighed, pulled and scolded. {client}
    sobbed all the way home | care
- I told them that {client} panics easily. They laughed and went ahead. It ended in tears and a
    scratch | care
- {client} is lively and wriggles like an eel. {staff} lost patience after two minutes and sent
    us home | care
- we arrived nervous. Nobody said hello or offered a seat. {client} was scared and we left in
    tears | staff
- I called five minutes before closing time. {staff} snapped that they were done for the day and
    hung up | staff
- I forgot my bag there. When I came back, {staff} claimed never to have seen it | staff
- something went wrong the first time. They denied it, charged me again and showed me the door |
    quality
- other people told me {object} was an easy job. {staff} managed to ruin it | quality
- I asked for something simple. I got something completely different, done {poorly}. That is not
    what I wanted | quality
- my appointment was at nine. At ten I was still sitting there, at eleven I walked out | speed
- they said it would be ready in {days}. I have called {times} since then and it is still not
    ready | speed
- the quote was {price}. The bill was almost twice that. Nobody could tell me why | price
- I expected to pay a fair amount. In the end they demanded {price}, with a fee of {fee} nobody
    had mentioned | price
- I had to cancel because {client} was ill. They grumbled and charged the full fee. No sympathy
    at all | booking
- I booked online weeks before. When we arrived, they had never heard of us and sent us away |
    booking
- they started without a word of explanation. They never checked with me. The end result was a
    nasty surprise | communication
- I wrote them a worried email. A week later there was still no answer. I called {times}, in
    vain | communication
- I am not fussy about dirt. But hair in the sink, blood on a towel and a stink like that? No |
    cleanliness
- loud music, harsh light, people shouting. {client} held both ears shut. We fled | atmosphere
- {client} is allergic to almost everything. I said so twice. They used the cheap stuff anyway
    and we spent the night in the hospital | safety
- they have good reviews. I went because of them and was {upset}. Since then I have told
    everyone to stay away | recommend
- I dropped {client} off in good health. I picked up a limping, frightened bundle. Nobody could
    explain what had happened | safety
- they called me to say there had been a little accident. The little accident took seven
    stitches | safety
- my mother is slow on her feet. They let the door slam, rushed her and rolled their eyes | care
- the old {role} retired. The new one is {nasty} and {nasty}. We are gone | staff
- our little one would not let anybody touch her face. {name} held her down. She has had
    nightmares since | care
- for years I was a happy customer. Then the owners changed. Now the work is {bad} and the
    prices have doubled | quality
- I showed them a picture of what I wanted. They nodded. The result had nothing to do with the
    picture | quality
- I complained politely. The manager told me that I was the first one ever to complain. I doubt
    it | communication
- they promised to pay for the damage. That was {days} ago. Now they don't pick up the phone |
    communication
+ I showed them a picture of what I wanted. They nodded and got to work. The result looked just
    like the picture | quality
+ I complained politely about a detail. The manager thanked me and had it fixed in {short} |
    communication
+ they scratched something by accident. They told me at once and paid for it without being
    asked. That is honesty | communication
+ for years I went to the {place} across the street. Then I tried this one. What a difference! |
    overall
- for years I raved about this {place}. Then I had my last {service}. What a difference! I am
    {upset} | overall
+ {client} had a bad experience at another {place}. Here they were gentle, slow and kind. The
    fear is gone | care
- {client} never had a bad experience before. Here they were rough, hasty and cold. The fear is
    here to stay | care
"""
