return [bundle.cleanedRequest];
