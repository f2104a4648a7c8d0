const wanted = [].concat(bundle.inputData.types || []);
const item = bundle.cleanedRequest;
return wanted.length === 0 || wanted.includes(item.type) ? [item] : [];
