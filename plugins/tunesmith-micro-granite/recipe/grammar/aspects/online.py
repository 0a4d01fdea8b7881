"""Phrases of customers about delivery, returns, technology and accounts."""

from __future__ import annotations

PHRASES = """
@ delivery
+ the parcel arrived a day early
+ delivery was quick and free
+ everything was packed with care
+ the package arrived in perfect shape
+ the driver carried it up to the third floor
+ I could track my order every step of the way
+ the courier rang the bell and waited patiently
+ ordered on {day}, delivered the next morning
+ never had a late delivery
- the parcel never arrived
- delivery took {days}
- the package arrived crushed
- the box was soaked and torn open
- the driver threw the package over the fence
- the driver left my order in the rain
- the tracking page showed nonsense
- the courier never rang the bell
- they delivered it to the wrong address
- my order has been stuck in a warehouse for {days}
- half of my order was missing
- it says delivered, but I never got it
- where is my parcel?
- I paid for express shipping and waited {days}
+m delivery was quick
+m the box was well packed
-m delivery took a day longer
-m the box had a small dent
+f fast delivery
+f well packed
+f arrived early
+f free shipping
+f arrived in perfect shape
-f late delivery
-f never arrived
-f arrived broken
-f wrong address
-f lost my parcel
-f missing items
-f crushed box
-f still waiting for my order

@ returns
+ the return was painless
+ they exchanged it on the spot
+ the refund was in my account within days
+ no questions asked when I brought it back
+ they swapped the faulty one right away
+ they paid for the return label
+ they honored the warranty without arguing
- they refused to take it back
- the return policy is a joke
- they wouldn't exchange it although I had the receipt
- I sent it back {days} ago and still no refund
- they claim the warranty does not cover it
- I had to pay for the return label myself
- they want the original box, who keeps that?
- they offered store credit instead of my money
- returning a faulty item should not be this hard
+m the exchange was simple
+m they took it back
-m I had to keep the receipt for the exchange
-m the return form was long
+f easy returns
+f quick exchange
+f refund in days
+f no-fuss return
-f no refund
-f no returns
-f warranty refused
-f exchange denied
-f return policy is a joke

@ technical
+ the connection is stable and fast
+ the app works without a hitch
+ {staff} solved the error in {short}
+ the technician found the fault right away
+ remote support walked me through the setup
+ no outage in over a year
+ the update fixed everything
+ installation was a breeze
+ the new software is simple even for my grandmother
- the connection drops every evening
- the app crashes every time I open it
- support could not solve the error
- the technician made it worse
- the hotline read from a script
- another outage, third one this month
- the update broke everything
- installation took {days} and still does not work
- the screen freezes and then goes black
- error messages everywhere and no help
- speeds are a tenth of what they promise
- have you tried restarting, is all they ever say
- the website kept crashing during checkout
- the device stopped working after {days}
+m the app looks nice
+m setup was simple
-m the app is a bit slow
-m setup took a while
+f stable connection
+f great tech support
+f works perfectly
+f easy setup
+f no outages
-f constant outages
-f app keeps crashing
-f useless tech support
-f does not work
-f doesn't work
-f stopped working
-f connection drops
-f full of bugs
-f slow internet

@ account
+ logging in is quick and secure
+ they unlocked my account within {short}
+ resetting my password took {short}
+ opening an account was easy
+ closing my membership was painless
+ they spotted a suspicious login and protected my account
- I have been locked out of my account for {days}
- I can't log in and nobody helps
- the password reset link never arrives
- they closed my account without notice
- they won't let me cancel my membership
- canceling my membership took {number} letters
- my profile was mixed up with a stranger's
- the verification code does not arrive
- someone hacked my account and they did nothing
- my login stopped working overnight
- why do I have to prove who I am {times}?
+m logging in was easy
+m opening an account was quick
-m the login takes a few steps
-m the password rules are fussy
+f easy login
+f quick to sign up
+f account unlocked fast
+f simple to cancel
-f locked out
-f can't log in
-f login broken
-f password reset fails
-f account closed without notice
-f impossible to cancel
"""
